"""Successors of tensorflow-addons, checked against what that library itself gave."""
