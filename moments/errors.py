"""The errors of the bundled research code: inputs that no formula here can use.

It knows nothing of the project around it, so that the package can be lifted out whole.
"""


class FeatureError(ValueError):
    """An array has the wrong shape or type, or holds values that are not finite."""


class BackboneError(FeatureError):
    """Weights cannot be had, or are not those of the model that was asked for."""


class GalleryError(FeatureError):
    """The clips of an evaluation do not make up the questions that its protocol asks."""
