"""What do tests stand on? A running service, browsers, parties with a recognisable likeness."""
