"""Pretrained backbones through ``transformers``, and the ways to bring one's own."""
