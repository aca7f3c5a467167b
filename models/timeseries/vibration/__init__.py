"""What vibration tells of a rotating machine: pure functions of samples, their rate, the speed and the bearing; time is the last axis of samples.

`shape` has figures of the waveform, `bands` powers and band-passes, `severity` the velocity that ISO 20816 judges, `bearing` the frequencies of a
rolling bearing, `envelope` demodulation, `lines` what stands at harmonics and sidebands, `orders` samples by angle instead of time. What is learned
from them is elsewhere: `models.timeseries.bearing_faults`.
"""
