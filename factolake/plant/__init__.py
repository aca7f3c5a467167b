"""The plant without a plant: a simulated line and the player of recordings, both speaking real OPC UA.

Nothing of the platform reads from here; it meets the plant only through the server, like any other.
"""
