"""What dialogs with inputs share: their base, and the row of buttons."""
