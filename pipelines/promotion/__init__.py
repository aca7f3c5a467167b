"""Models and FactoMES: what is proposed there with which evidence, and which approvals the lake brings back. The registry is in `models`."""
