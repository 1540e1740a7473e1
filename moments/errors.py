"""The one error of the bundled research code: an input that no formula here can use.

It knows nothing of the project around it, so that the package can be lifted out whole.
"""


class FeatureError(ValueError):
    """An array has the wrong shape or type, or holds values that are not finite."""
