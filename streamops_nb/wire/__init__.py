"""What server and client share: the table of calls, and how values and errors travel."""
