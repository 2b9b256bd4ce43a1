"""The program itself: how it was installed, the licences of its libraries, and whether there is a newer version."""
