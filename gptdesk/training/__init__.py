"""What the window knows about training: runs started, found, read, explained and removed. No Qt, no torch."""
