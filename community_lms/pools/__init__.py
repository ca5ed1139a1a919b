"""Who is asked: communities and pools as data, their identity, pools on the Hub."""
