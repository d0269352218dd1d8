"""Previews, as users hold them in their hands: frames, differences, reasons, tuning."""
