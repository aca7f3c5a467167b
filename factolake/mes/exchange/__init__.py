"""The door to the ERP: orders and master data in, answered row by row; confirmations out, once and in order; exports."""
