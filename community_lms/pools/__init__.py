"""Communities and pools as data: pool files, identities, pools on the Hub."""
