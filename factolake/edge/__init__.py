"""The edge gateway: connectors speak the machines' protocols, stamp and pack what arrives, and put it into the log."""
