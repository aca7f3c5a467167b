"""The log between connectors and landing: one port, one record form, an embedded spool; Kafka is another driver of the same port."""
