"""How the record changes: an action checks rights and states, writes, is audited and told to the lake, all in one transaction."""
