"""Real things on this machine: servers on the loopback interface, clients, child processes."""
