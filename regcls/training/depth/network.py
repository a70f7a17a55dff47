"""The network of the depth task: the ImageNet backbone as encoder, a light decoder with skips."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

from regcls.training.networks import freeze_start, lite0_backbone, normalised

# Blocks whose outputs the decoder uses, and their channels: strides 2, 4, 8, 16 and 32.
TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 15: 320}
WIDTHS = (128, 96, 64, 48)  # of the decoder, at strides 16, 8, 4 and 2
NEAREST = 0.1  # metres; lower limit of the predictions


class Up(nn.Module):
    """One step of the decoder: upsample, concatenate the encoder's map, mix with convolutions.

    Parameters
    ----------
    below, skip, width : int
        Channels of the coarser map, of the encoder's map and of the output.
    """

    def __init__(self, below: int, skip: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(
            nn.Conv2d(below + skip, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()
        )
        self.mix = nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Combine a coarser map with the encoder's map of twice its size.

        Parameters
        ----------
        below : Tensor, shape (N, below, h, w)
            The coarser map.
        skip : Tensor, shape (N, skip, H, W)
            The encoder's map.

        Returns
        -------
        Tensor, shape (N, width, H, W)
            The combined map.
        """
        below = F.interpolate(below, size=skip.shape[2:], mode="bilinear", align_corners=False)
        x = self.narrow(torch.cat((below, skip), 1))
        return F.relu6(x + self.mix(x))


class DepthNet(nn.Module):
    """Predicts a depth map at half the size of a photo, and for reg+cls also class logits.

    Parameters
    ----------
    classes : int, default 0
        Number of classes; 0 for reg.
    centre, spread : float
        Mean and standard deviation of the training depths in metres, as in `ImageRegressor`.
    pretrained : bool, default True
        Whether to load ImageNet weights.
    """

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self, classes: int = 0, centre: float = 0.0, spread: float = 1.0, pretrained: bool = True
    ) -> None:
        super().__init__()
        self.backbone = lite0_backbone(pretrained)
        for unused in ("_conv_head", "_bn1", "_fc", "_dropout", "_avg_pooling"):
            setattr(self.backbone, unused, nn.Identity())
        self.room = nn.Linear(TAPS[15], TAPS[15])  # global context, such as the size of the room
        skips = [TAPS[block] for block in (10, 4, 2, 0)]
        below = [TAPS[15], *WIDTHS[:-1]]
        self.ups = nn.ModuleList(map(Up, below, skips, WIDTHS))
        self.dropout = nn.Dropout2d(0.1)
        self.value_head = nn.Conv2d(WIDTHS[-1], 1, 1)
        nn.init.zeros_(self.value_head.bias)  # type: ignore[arg-type]  # it has a bias
        self.class_head = nn.Conv2d(WIDTHS[-1], classes, 1) if classes else None
        self.size: tuple[int, int] | None = None  # internal size in eval mode
        self.register_buffer("centre", torch.tensor(float(centre)))
        self.register_buffer("spread", torch.tensor(float(spread)))

    def freeze(self, blocks: int) -> list[nn.Module]:
        """Freeze the stem and the first blocks; see `freeze_start`."""
        return freeze_start(self.backbone, blocks)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Predict for a batch of photos.

        Parameters
        ----------
        image : Tensor of uint8 or float, shape (N, H, W, 3)
            RGB photos in 0..255.

        Returns
        -------
        tuple of Tensor
            Depth in metres, shape (N, H/2, W/2), and for reg+cls logits, shape (N, C, H/2, W/2).
        """
        x = normalised(image)
        half = x.shape[2] // 2, x.shape[3] // 2
        if self.size and not self.training:
            x = F.interpolate(x, size=self.size, mode="bilinear", align_corners=False)
        value, *logits = self._decode(x)
        value = value if self.training else value.clamp(min=NEAREST)
        return _resized(value, half).squeeze(1), *(_resized(part, half) for part in logits)

    def _decode(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return metres (N, 1, h, w) and, for reg+cls, logits (N, C, h, w), of half the size."""
        *skips, x = self._encode(x)
        x = x + self.room(x.mean(dim=(2, 3)))[:, :, None, None]
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            x = up(x, skip)
        x = self.dropout(x)
        value = self.centre + self.spread * self.value_head(x)
        return (value,) if self.class_head is None else (value, self.class_head(x))

    def _encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        net, kept = self.backbone, []
        x = net._swish(net._bn0(net._conv_stem(x)))
        for i, block in enumerate(net._blocks):
            x = block(x)
            if i in TAPS:
                kept.append(x)
        return kept


class DepthMean(nn.Module):
    """Predicts the mean of networks that differ in their seed, corrected by a linear function.

    The mean of two seeds has a lower error than each seed, and no seed has to be selected.

    Parameters
    ----------
    nets : sequence of DepthNet
        The networks.
    line : tuple of float, default (1.0, 0.0)
        Slope, and intercept in metres.
    """

    def __init__(self, nets: Iterable[DepthNet], line: tuple[float, float] = (1.0, 0.0)) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.line = line

    @property
    def class_head(self) -> nn.Module | None:
        """Class head of the first network; None for reg."""
        return self.nets[0].class_head  # type: ignore[return-value]  # attributes of modules

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Predict for a batch of photos; see `DepthNet.forward`."""
        value, *logits = (
            sum(parts) / len(self.nets)
            for parts in zip(*(net(image) for net in self.nets), strict=True)
        )
        return (self.line[0] * value + self.line[1]).clamp(min=NEAREST), *logits


def _resized(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if x.shape[2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
