"""Models of machine signals: detectors of what is strange, drift, forecasts with bands, and remaining life. One idea a file."""
