"""Licence, citation and limits of the shipped pairs, as their cards state them."""

from __future__ import annotations

from dataclasses import dataclass

_BACKBONE = "backbone EfficientNet-Lite0 with ImageNet weights, Apache-2.0"
_METHOD = (
    "Method: Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification "
    "helps regression, ICCV 2023, arXiv 2308.10603. Backbone: Tan, Le: EfficientNet, ICML 2019."
)


@dataclass(frozen=True)
class CardTexts:
    """Texts of one task's card.

    Attributes
    ----------
    licence, citation : str
        Texts that are also stored in the ONNX files.
    limits : tuple of str
        What the models must not be used for and where they fail, one paragraph each.
    """

    licence: str
    citation: str
    limits: tuple[str, ...]


TEXTS = {
    "age": CardTexts(
        licence="Non-commercial research use only, as the training data UTKFace demands; "
        f"{_BACKBONE}.",
        citation="Data: Zhang, Song, Qi: Age progression/regression by conditional adversarial "
        f"autoencoder (UTKFace), CVPR 2017. {_METHOD}",
        limits=(
            "The models estimate apparent age. Errors are larger where training samples are few "
            "(see the errors by shot) and for photos unlike those of the training set.",
            "Labels and demographics of the training set are uneven, so errors differ between "
            "groups of people. Do not use the estimates for decisions about a person, such as "
            "access, prices, hiring, policing or age verification.",
            "The models exist to study when a classification loss helps regression. Only use "
            "photos of people who have agreed to it.",
        ),
    ),
    "depth": CardTexts(
        licence=f"Research use with citation, as the training data NYU Depth v2 asks; {_BACKBONE}.",
        citation="Data: Silberman, Hoiem, Kohli, Fergus: Indoor segmentation and support inference "
        f"from RGBD images, ECCV 2012. {_METHOD}",
        limits=(
            "The training set has 711 photos of homes, offices and classrooms, taken with one "
            "camera (Microsoft Kinect, horizontal field of view of about 63°) at distances of up "
            "to 10 m. Predictions for outdoor scenes and other subjects are meaningless.",
            "A photo does not determine the focal length of its camera. With another lens, all "
            "depths are wrong by about the ratio of the two focal lengths, even where the shape of "
            "the scene is right.",
            "Thin, shiny and transparent objects, mirrors and windows are often missed. Do not use "
            "the models for measurement, navigation or safety.",
        ),
    ),
    "progress": CardTexts(
        licence=f"MIT, as the training videos are; {_BACKBONE}.",
        citation="Data: the public repositories HuangJunkai2023/CR5_TCP_test (two tasks of a robot "
        f"arm) and YifanTian07/G1-policy-train (a humanoid's task). {_METHOD}",
        limits=(
            "The training set has three robot manipulation tasks, filmed by cameras on the robots. "
            "Predictions for any other activity are meaningless.",
            "Clips of one task have similar lengths, so that the elapsed time alone predicts the "
            "progress of whole clips better than the models do (baseline “clock”). The models are "
            "better where the start, the end or the speed is unknown (random sub-segments).",
            "Training clips were cut at a random point, which makes late progress rare. Errors are "
            "therefore larger near the end; this imbalance is intended.",
        ),
    ),
}
