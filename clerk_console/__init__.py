"""The pages of clerk, supervisor and admin, and the headless clerk for demo and tests."""
