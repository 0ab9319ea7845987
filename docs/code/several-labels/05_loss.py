import torch
from torch.nn.functional import binary_cross_entropy_with_logits

logits = torch.tensor([2.0, 0.0, -3.0])  # what a network says of joy, love and fear
truth = torch.tensor([1.0, 1.0, 0.0])  # the tweet carries joy and love

yes = torch.sigmoid(logits)
by_hand = -(truth * yes.log() + (1 - truth) * (1 - yes).log())
print("sigmoid:", yes)
print("softmax:", torch.softmax(logits, dim=0))
print("losses: ", by_hand)
print("mean:   ", by_hand.mean())
print("torch:  ", binary_cross_entropy_with_logits(logits, truth))
