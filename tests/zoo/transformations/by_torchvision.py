"""Answer calls of torchvision, in a process of its own: TensorFlow and PyTorch may not share one.

`python by_torchvision.py DIRECTORY` reads `images.npz`, arrays `(N, H, W, C)`, and `calls.json`, a
list of expressions with the names they use, and writes `answers.npz`, an array for each.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

directory = Path(sys.argv[1])
with np.load(directory / "images.npz") as stored:
    images = torch.from_numpy(np.moveaxis(stored["images"], -1, 1).copy())
names = {"x": images, "F": functional, "bilinear": InterpolationMode.BILINEAR, "math": math}
answers = [
    np.moveaxis(eval(expression, {**names, **values}).numpy(), 1, -1)
    for expression, values in json.loads((directory / "calls.json").read_text())
]
np.savez(directory / "answers.npz", *answers)
