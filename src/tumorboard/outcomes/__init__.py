"""What a dose means: dose-volume histograms, gamma index, control and complication probability."""
