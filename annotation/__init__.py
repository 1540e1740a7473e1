"""The room of people's judgement. Empty in this version: triplets are judged by measures alone."""
