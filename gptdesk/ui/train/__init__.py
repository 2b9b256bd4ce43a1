"""The training page: runs, their charts and samples, and the sheet that starts a new one."""
