"""From prices to a trained network and back; the only package that imports Keras and TensorFlow, inside functions.

config, settings: every setting, its range, its words · split: training, validation and test by time ·
encoding, features: prices into inputs and targets, and outputs into prices · skip: the frozen linear part ·
cells/: the recurrent cells, one file each · layers, network: Keras models · learner, training, listener: epochs, learning
rates, stopping · backup: what a training resumes from · snapshots: the weights at some of its epochs · forecaster: all of it,
learnt together · weights: a trained network as plain arrays · process: TensorFlow shared by the threads of a process ·
size: parameters, and how long a training will take

The leak lab's mistakes (`ForecastConfig.leak`) are made where each would happen by accident: in `split` (windows shuffled,
validation on the test part), in `encoding` (scaler, centred average); `evaluation.verdict` says what each is.
"""
