"""The same networks in plain PyTorch."""

import torch
import worker
from torch import nn


def norm(channels):
    """Return an instance normalisation with gamma and beta."""
    return nn.InstanceNorm2d(channels, eps=worker.EPSILON, affine=True)


class UNet(nn.Module):
    """U-Net of pix2pix: no normalisation at the first level down nor at the deepest."""

    def __init__(self, widths):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        deepest = len(widths) - 1
        for level, width in enumerate(widths):
            plain = level in (0, deepest)
            before = 1 if level == 0 else widths[level - 1]
            convolution = nn.Conv2d(before, width, 4, 2, 1, bias=plain)
            activation = nn.LeakyReLU(worker.SLOPE)
            self.down.append(
                nn.Sequential(convolution, *([] if plain else [norm(width)]), activation)
            )
        before = widths[deepest]
        for level in reversed(range(deepest)):
            up = nn.ConvTranspose2d(before, widths[level], 4, 2, 1, bias=False)
            self.up.append(nn.Sequential(up, norm(widths[level]), nn.ReLU()))
            before = 2 * widths[level]
        self.out = nn.ConvTranspose2d(before, 1, 4, 2, 1)

    def forward(self, x):
        """Translate."""
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = skips.pop()
        for block in self.up:
            x = torch.cat([block(x), skips.pop()], 1)
        return torch.tanh(self.out(x).float())


def patchgan(filters):
    """Return the PatchGAN of 70 pixels."""
    layers = [nn.Conv2d(1, filters, 4, 2, 1), nn.LeakyReLU(worker.SLOPE)]
    for level, stride in ((1, 2), (2, 2), (3, 1)):
        before, width = filters * 2 ** (level - 1), filters * 2**level
        convolution = nn.Conv2d(before, width, 4, stride, 1, bias=False)
        layers += [convolution, norm(width), nn.LeakyReLU(worker.SLOPE)]
    return nn.Sequential(*layers, nn.Conv2d(filters * 8, 1, 4, 1, 1))


def start(network, seed):
    """Give a network the kernels that all contenders start from, and biases of zero."""
    weights = [p for p in network.parameters() if p.ndim == 4]
    # Both (out, in, h, w) of a convolution and (in, out, h, w) of a transposed one.
    shapes = [(*p.shape[2:], p.shape[1], p.shape[0]) for p in weights]
    with torch.no_grad():
        for parameter, kernel in zip(weights, worker.kernels(shapes, seed), strict=True):
            parameter.copy_(torch.from_numpy(kernel).permute(3, 2, 0, 1))
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 and name.endswith("bias"):
                parameter.zero_()
    return network
