"""The resident's side: the kiosk's page, and the headless resident for demo and tests."""
