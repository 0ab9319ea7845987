import torch

print(torch.cuda.is_available() and torch.cuda.get_device_name())
