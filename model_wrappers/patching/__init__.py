"""Which community a pool lacks: runs with and without a member, and whom that serves."""
