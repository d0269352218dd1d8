"""What screens hold, without a toolkit: the picture of the jobs, what is chosen, what was asked."""
