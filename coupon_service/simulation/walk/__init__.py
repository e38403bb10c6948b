"""The walk: the whole main job over HTTP, step by step."""
