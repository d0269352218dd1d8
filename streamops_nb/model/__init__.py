"""Values everybody shares: errors, specs, batches, events. No I/O, no toolkit."""
