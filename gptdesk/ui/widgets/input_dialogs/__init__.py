"""What dialogs with inputs share: their base, the row of buttons, and the dialog that asks for a name."""
