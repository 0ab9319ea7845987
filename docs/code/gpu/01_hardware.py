import torch

print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")
