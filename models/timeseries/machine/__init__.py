"""The model of one machine, made of its minutes: rows, what each signal should be given how the machine ran, and how strange the rest is."""
