"""Where jobs run: `local` puts threads around the engine."""
