"""The next token's distribution under the sliders, and the card of one token: alternatives, X-ray, branches."""
