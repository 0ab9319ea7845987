landscape = tg.map_texts(splits.train, encoder="all-MiniLM-L6-v2")
landscape.plot_density().save("images/hexagons.svg")
print(landscape.about)
