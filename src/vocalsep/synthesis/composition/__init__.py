"""What is played and sung, before anything sounds: form, harmony, melodies, patterns, styles."""
