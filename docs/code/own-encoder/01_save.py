from transformers import AutoModel, AutoTokenizer

import textgraft as tg

LAYERS = 3

folder = tg.open_encoder("all-MiniLM-L6-v2").files.folder
network = AutoModel.from_pretrained(folder)
network.encoder.layer = network.encoder.layer[:LAYERS]
network.config.num_hidden_layers = LAYERS

network.save_pretrained("encoders/small")
AutoTokenizer.from_pretrained(folder).save_pretrained("encoders/small")
