"""The demo: seven jobs over recorded flights and weather, and a simulated plant."""
