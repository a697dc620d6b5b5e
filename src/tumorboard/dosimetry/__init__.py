"""Dose from radionuclides inside the body: activity over time, dose in voxels, organs and lesions."""
