"""What happens to a sound once it is made: channels, equalisers, dynamics, rooms, echoes, codecs, the master."""
