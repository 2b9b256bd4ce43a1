"""What pages that show documents share: the open document, generated text, and the button with the title."""
