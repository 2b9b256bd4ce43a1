"""The process of the window: single instance, crash reports, garbage collection, idle time."""
