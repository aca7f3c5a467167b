"""What vibration tells of a rotating machine: pure functions of samples, their rate, the speed and the bearing; time is the last axis of samples.

`shape` has figures of the waveform, `bands` powers and band-passes, `severity` the velocity that ISO 20816 judges, `envelope` demodulation, `lines`
what stands at harmonics and sidebands, `capture` all of it for one capture of a measuring point. The point, its bearing and that bearing's
frequencies are in `factolake.domain.vibration`; what is learned from them is elsewhere: `models.timeseries.bearing_faults`.
"""
