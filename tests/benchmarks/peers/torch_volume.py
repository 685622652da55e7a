"""A plain PyTorch loop, slice by slice, file to file: read, scale, translate, scale back, write."""

import nibabel
import numpy as np
import torch
import worker
from torch_networks import UNet, start

options = worker.arguments()
device = "cuda" if torch.cuda.is_available() else "cpu"
generator = start(UNet(worker.widths(options)), 0).to(device).eval()


@torch.inference_mode()
def one():
    """Translate the scan."""
    scan = nibabel.load(options.scan)
    data = np.asarray(scan.dataobj, "float32")
    low, high = data.min(), data.max()
    scaled = (data - low) / (high - low) * 2 - 1
    made = np.empty_like(scaled)
    for index in range(data.shape[2]):
        image = torch.from_numpy(np.ascontiguousarray(scaled[::-1, ::-1, index].T))
        translated = generator(image[None, None].to(device))[0, 0]
        made[::-1, ::-1, index] = translated.cpu().numpy().T
    made = (made + 1) / 2 * (high - low) + low
    image = nibabel.Nifti1Image(np.rint(made).astype("int16"), scan.affine, scan.header)
    nibabel.save(image, options.target)


one()
worker.serve(one)
