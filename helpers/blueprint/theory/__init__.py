"""What can be said about a design without running it, from the same graph the engines run."""
