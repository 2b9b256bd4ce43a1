"""The program itself: its newest version, and the licences of its libraries."""
